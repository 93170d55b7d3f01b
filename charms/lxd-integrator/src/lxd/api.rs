//! The calls of LXD's API (`doc/rest-api.yaml` of LXD).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certificates::Fingerprint;
use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Client, LxdError};
use crate::entry::EntryName;
use crate::facts::{Entry, Member, Server};
use crate::plan::Projects;

/// `GET /1.0`. What a restricted or untrusted client does not see is missing.
#[derive(Deserialize)]
struct Root {
    #[serde(default)]
    auth: String,
    #[serde(default)]
    environment: Environment,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Environment {
    addresses: Vec<String>,
    certificate: String,
    certificate_fingerprint: String,
    server: String,
    server_clustered: bool,
    server_name: String,
    server_version: String,
}

#[derive(Deserialize)]
struct TrustEntry {
    #[serde(default)]
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    restricted: bool,
    #[serde(default)]
    projects: Option<BTreeSet<String>>,
    fingerprint: String,
}

#[derive(Deserialize)]
struct ClusterMember {
    server_name: String,
    url: String,
    status: String,
}

impl Client {
    /// Who the server is; none if it does not trust us with everything.
    ///
    /// # Errors
    /// LXD cannot be asked.
    pub async fn server(&mut self) -> Result<Option<Server>, LxdError> {
        let Root { auth, environment } = self.get("/1.0").await?;
        // A restricted certificate is trusted as well, but sees no environment.
        if auth != "trusted" || environment.server.is_empty() {
            return Ok(None);
        }
        Ok(Some(Server {
            name: environment.server_name,
            kind: environment.server,
            version: environment.server_version,
            clustered: environment.server_clustered,
            certificate: environment.certificate,
            fingerprint: environment.certificate_fingerprint,
            addresses: environment.addresses,
        }))
    }

    /// The members of the cluster that the server belongs to.
    ///
    /// # Errors
    /// LXD cannot be asked, or is not clustered.
    pub async fn members(&mut self) -> Result<Vec<Member>, LxdError> {
        let members: Vec<ClusterMember> = self.get("/1.0/cluster/members?recursion=1").await?;
        Ok(members
            .into_iter()
            .map(|member| Member {
                online: member.status == "Online",
                name: member.server_name,
                url: member.url,
            })
            .collect())
    }

    /// The names of all projects.
    ///
    /// # Errors
    /// LXD cannot be asked.
    pub async fn projects(&mut self) -> Result<Vec<String>, LxdError> {
        let urls: Vec<String> = self.get("/1.0/projects").await?;
        let name = |url: &String| url.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(urls.iter().map(name).collect())
    }

    /// The trust store.
    ///
    /// # Errors
    /// LXD cannot be asked.
    pub async fn entries(&mut self) -> Result<BTreeMap<Fingerprint, Entry>, LxdError> {
        let entries: Vec<TrustEntry> = self.get("/1.0/certificates?recursion=1").await?;
        let read = entries.into_iter().filter_map(|entry| {
            // LXD has no other fingerprints than these.
            let fingerprint = Fingerprint::try_from(entry.fingerprint).ok()?;
            let entry = Entry {
                name: entry.name,
                kind: entry.kind,
                restricted: entry.restricted,
                projects: entry.projects.unwrap_or_default(),
            };
            Some((fingerprint, entry))
        });
        Ok(read.collect())
    }

    /// Adds a certificate. One that is there already is left as it is.
    ///
    /// # Errors
    /// LXD refuses it, or cannot be asked.
    pub async fn ensure_trusted(
        &mut self,
        der: &[u8],
        name: &EntryName,
        projects: &Projects,
    ) -> Result<(), LxdError> {
        let body = json!({
            "type": "client",
            "name": name.to_string(),
            "certificate": STANDARD.encode(der),
            "restricted": projects.restrict(),
            "projects": projects.names(),
        });
        let added = self
            .request(Method::POST, "/1.0/certificates", Some(body))
            .await;
        match added {
            Err(error) if error.status() == Some(409) => Ok(()),
            added => added.map(drop),
        }
    }

    /// Changes name and restriction of an entry, and nothing else of it. One that
    /// is gone is left gone.
    ///
    /// # Errors
    /// LXD refuses it, or cannot be asked.
    pub async fn ensure_entry(
        &mut self,
        fingerprint: &Fingerprint,
        name: &EntryName,
        projects: &Projects,
    ) -> Result<(), LxdError> {
        let body = json!({
            "name": name.to_string(),
            "restricted": projects.restrict(),
            "projects": projects.names(),
        });
        let path = path(fingerprint);
        gone_is_fine(self.request(Method::PATCH, &path, Some(body)).await)
    }

    /// Removes an entry; one that is gone already is fine.
    ///
    /// # Errors
    /// LXD refuses it, or cannot be asked.
    pub async fn ensure_untrusted(&mut self, fingerprint: &Fingerprint) -> Result<(), LxdError> {
        let path = path(fingerprint);
        gone_is_fine(self.request(Method::DELETE, &path, None).await)
    }
}

/// By the whole fingerprint: LXD takes a prefix for any entry that it fits.
fn path(fingerprint: &Fingerprint) -> String {
    format!("/1.0/certificates/{fingerprint}")
}

fn gone_is_fine(result: Result<serde_json::Value, LxdError>) -> Result<(), LxdError> {
    match result {
        Err(error) if error.status() == Some(404) && !is_project(&error) => Ok(()),
        result => result.map(drop),
    }
}

/// A missing project is 404 as well, and the entry was not changed then.
fn is_project(error: &LxdError) -> bool {
    matches!(error, LxdError::Refused { words, .. } if words.contains("Project"))
}
