output "app_name" {
  description = "Name of the application."
  value       = juju_application.etcd.name
}

output "application" {
  description = "The whole application."
  value       = juju_application.etcd
}

output "provides" {
  description = "Endpoints that other applications can be related to, by name."
  value = {
    certificates = "certificates"
    db           = "db"
    etcd_client  = "etcd-client"
    proxy        = "proxy"
    send_ca_cert = "send-ca-cert"
  }
}

output "requires" {
  description = "Endpoints that another application can be related to in its turn, by name."
  value = {
    client_certificates = "client-certificates"
  }
}
