//! The call `AuthStatus`, which etcd has since 3.5 and the etcd-client crate does not.

use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;

use super::{Client, EtcdError};

/// Whether etcd checks rights, and which revision its users and roles have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AuthStatus {
    /// Whether authentication is on.
    pub enabled: bool,
    /// Raised by one by every change of users, roles and their permissions
    /// (`server/auth/store.go`, `commitRevision`), and by nothing else but by switching
    /// authentication off: what was read at a revision is so as long as the revision is
    /// the same.
    pub revision: u64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct AuthStatusRequest {}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct AuthStatusResponse {
    #[prost(bool, tag = "2")]
    enabled: bool,
    #[prost(uint64, tag = "3")]
    auth_revision: u64,
}

impl Client {
    /// The state of authentication.
    ///
    /// # Errors
    /// etcd failed the call, which a release before 3.5 does not know.
    pub async fn auth_status(&self) -> Result<AuthStatus, EtcdError> {
        let answer = self
            .call_repeatable("ask for the state of authentication", async || {
                let mut channel = tonic::client::Grpc::new(self.channel.clone());
                channel
                    .ready()
                    .await
                    .map_err(|error| tonic::Status::unavailable(error.to_string()))?;
                let path = PathAndQuery::from_static("/etcdserverpb.Auth/AuthStatus");
                let codec = ProstCodec::<AuthStatusRequest, AuthStatusResponse>::default();
                let request = tonic::Request::new(AuthStatusRequest {});
                Ok(channel.unary(request, path, codec).await?.into_inner())
            })
            .await?;
        Ok(AuthStatus {
            enabled: answer.enabled,
            revision: answer.auth_revision,
        })
    }
}
