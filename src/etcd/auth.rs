//! Users, roles and permissions. "Already there" and "already gone" are
//! success: every step may be a repetition of one that was cut short.

use std::collections::{BTreeMap, BTreeSet};

use etcd_client::{Permission as EtcdPermission, PermissionType, UserAddOptions};

use super::{Client, EtcdError};
use crate::facts::{Access, CommonName, KeyRange, Permission, Secret};

/// What came of a call that makes something so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// etcd has carried it out, at the first attempt.
    Made,
    /// It is so; it may have been before, or by an attempt whose answer was lost.
    Unsure,
}

impl Client {
    /// The user and the role of this name, as they are.
    ///
    /// # Errors
    /// etcd failed the call; that one of the two is missing is no error.
    pub async fn access(&self, name: &CommonName) -> Result<Access, EtcdError> {
        let mut client = self.inner.auth_client();
        let user = self
            .call_repeatable(format!("get user {name}"), async || {
                client.user_get(name.as_str()).await
            })
            .await;
        let user = present(user)?.map(|user| user.roles().iter().cloned().collect());
        let role = self
            .call_repeatable(format!("get role {name}"), async || {
                client.role_get(name.as_str()).await
            })
            .await;
        let role = present(role)?.map(|role| {
            role.permissions()
                .iter()
                .map(|permission| Permission {
                    read_write: permission.get_type() == PermissionType::Readwrite as i32,
                    range: KeyRange {
                        key: permission.key().to_vec(),
                        range_end: permission.range_end().to_vec(),
                    },
                })
                .collect()
        });
        Ok(Access { user, role })
    }

    /// Makes the user, who can log in by certificate only.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn ensure_user(&self, name: &str) -> Result<Change, EtcdError> {
        let mut client = self.inner.auth_client();
        let options = UserAddOptions::new().with_no_pwd();
        self.change(
            EtcdError::is_already_there,
            format!("add user {name}"),
            async || client.user_add(name, "", Some(options.clone())).await,
        )
        .await
    }

    /// Makes the role, without any permission.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn ensure_role(&self, name: &str) -> Result<Change, EtcdError> {
        let mut client = self.inner.auth_client();
        self.change(
            EtcdError::is_already_there,
            format!("add role {name}"),
            async || client.role_add(name).await,
        )
        .await
    }

    /// Lets the role read and write a range.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn ensure_permission(
        &self,
        role: &str,
        range: &KeyRange,
    ) -> Result<Change, EtcdError> {
        let mut client = self.inner.auth_client();
        let permission = EtcdPermission::new(PermissionType::Readwrite, range.key.clone())
            .with_range_end(range.range_end.clone());
        self.change(
            EtcdError::is_already_there,
            format!("grant {range} to role {role}"),
            async || client.role_grant_permission(role, permission.clone()).await,
        )
        .await
    }

    /// Takes a range from the role; etcd wants exactly the range as granted.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn ensure_no_permission(
        &self,
        role: &str,
        range: &KeyRange,
    ) -> Result<Change, EtcdError> {
        let mut client = self.inner.auth_client();
        let options =
            etcd_client::RoleRevokePermissionOptions::new().with_range_end(range.range_end.clone());
        self.change(
            EtcdError::is_not_there,
            format!("revoke {range} from role {role}"),
            async || {
                client
                    .role_revoke_permission(role, range.key.clone(), Some(options.clone()))
                    .await
            },
        )
        .await
    }

    /// Gives the role to the user.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn ensure_role_of_user(&self, user: &str, role: &str) -> Result<Change, EtcdError> {
        let mut client = self.inner.auth_client();
        self.change(
            EtcdError::is_already_there,
            format!("grant role {role} to user {user}"),
            async || client.user_grant_role(user, role).await,
        )
        .await
    }

    /// Takes a role from the user.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn ensure_role_not_of_user(
        &self,
        user: &str,
        role: &str,
    ) -> Result<Change, EtcdError> {
        let mut client = self.inner.auth_client();
        self.change(
            EtcdError::is_not_there,
            format!("revoke role {role} from user {user}"),
            async || client.user_revoke_role(user, role).await,
        )
        .await
    }

    /// Removes the user; requests in its name are refused from now on.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn ensure_no_user(&self, name: &str) -> Result<Change, EtcdError> {
        let mut client = self.inner.auth_client();
        self.change(
            EtcdError::is_not_there,
            format!("delete user {name}"),
            async || client.user_delete(name).await,
        )
        .await
    }

    /// Removes the role, and with it its permissions.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn ensure_no_role(&self, name: &str) -> Result<Change, EtcdError> {
        let mut client = self.inner.auth_client();
        self.change(
            EtcdError::is_not_there,
            format!("delete role {name}"),
            async || client.role_delete(name).await,
        )
        .await
    }

    /// Makes `root` the administrator and switches authentication on, which is
    /// off. `root` has no password: only a certificate of the admin authority is
    /// `root`. So it is made anew: whoever had switched authentication off may have
    /// given it one.
    ///
    /// # Errors
    /// etcd failed a call; a later run goes on where this one stopped.
    pub async fn ensure_authentication(&self) -> Result<(), EtcdError> {
        self.ensure_no_user("root").await?;
        self.ensure_user("root").await?;
        // 3.4 has the role `root` only once somebody has made it.
        self.ensure_role("root").await?;
        self.ensure_role_of_user("root", "root").await?;
        let mut client = self.inner.auth_client();
        // Switched on already is answered with success.
        self.call_repeatable("enable authentication", async || client.auth_enable().await)
            .await
            .map(drop)
    }

    /// The users that are neither `root` nor one of these, and hold the role `root`
    /// or that of one of these: each with such roles.
    ///
    /// # Errors
    /// etcd failed a call.
    pub async fn usurpers(
        &self,
        known: &BTreeSet<CommonName>,
    ) -> Result<BTreeMap<String, BTreeSet<String>>, EtcdError> {
        let is_ours =
            |name: &str| name == "root" || known.iter().any(|known| known.as_str() == name);
        let mut client = self.inner.auth_client();
        let users = self
            .call_settled("list users", async || client.user_list().await)
            .await?;
        let mut usurpers = BTreeMap::new();
        for name in users.users().iter().filter(|name| !is_ours(name)) {
            let user = self
                .call_settled(format!("get user {name:?}"), async || {
                    client.user_get(name.as_str()).await
                })
                .await;
            let Some(user) = present(user)? else {
                continue;
            };
            let roles = user.roles().iter().filter(|role| is_ours(role));
            let roles: BTreeSet<String> = roles.cloned().collect();
            if !roles.is_empty() {
                usurpers.insert(name.clone(), roles);
            }
        }
        Ok(usurpers)
    }

    /// Whether this user can log in with some password. A user that is not there
    /// is answered for as one that can.
    ///
    /// # Errors
    /// etcd could not be asked.
    pub async fn takes_password(&self, name: &str) -> Result<bool, EtcdError> {
        let mut client = self.inner.auth_client();
        let answer = self
            .call(format!("ask how {name} logs in"), async {
                client.authenticate(name.to_owned(), "-".to_owned()).await
            })
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if error.says(&["authentication is not enabled", "no password user"]) => {
                Ok(false)
            }
            Err(error) if error.says(&["authentication failed"]) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Replaces the password of a user.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn set_password(
        &self,
        name: &str,
        password: &Secret<String>,
    ) -> Result<(), EtcdError> {
        let mut client = self.inner.auth_client();
        let change = client.user_change_password(name, password.expose().as_str());
        self.call(format!("set the password of {name}"), change)
            .await
            .map(drop)
    }

    /// Makes a call that makes something so, where "it is so already" is success.
    async fn change<T>(
        &self,
        is_so_already: fn(&EtcdError) -> bool,
        what: impl Into<String>,
        mut call: impl AsyncFnMut() -> Result<T, etcd_client::Error>,
    ) -> Result<Change, EtcdError> {
        let mut attempts = 0;
        let answer = self
            .call_repeatable(what, async || {
                attempts += 1;
                call().await
            })
            .await;
        match answer {
            Ok(_) if attempts == 1 => Ok(Change::Made),
            Ok(_) => Ok(Change::Unsure),
            Err(error) if is_so_already(&error) => Ok(Change::Unsure),
            Err(error) => Err(error),
        }
    }

    /// Whether authentication is on. The crate has no `AuthStatus` (and 3.4
    /// has no such call), so this tries to log in with a password, which no
    /// user has: etcd refuses that in words of its own while authentication is
    /// off.
    ///
    /// # Errors
    /// etcd could not be asked.
    pub async fn authentication_enabled(&self) -> Result<bool, EtcdError> {
        let mut client = self.inner.auth_client();
        let answer = self
            .call_repeatable("ask whether authentication is on", async || {
                client.authenticate("root".to_owned(), "-".to_owned()).await
            })
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if error.says(&["authentication is not enabled"]) => Ok(false),
            Err(error) if error.says(&["authentication failed", "no password user"]) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// The answer, or `None` where etcd says that there is no such thing.
fn present<T>(answer: Result<T, EtcdError>) -> Result<Option<T>, EtcdError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_not_there() => Ok(None),
        Err(error) => Err(error),
    }
}
