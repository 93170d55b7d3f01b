output "app_name" {
  description = "Name of the application."
  value       = juju_application.etcd_client_example.name
}

output "application" {
  description = "The whole application."
  value       = juju_application.etcd_client_example
}

output "provides" {
  description = "Endpoints that other applications can be related to, by name: there are none."
  value       = {}
}

output "requires" {
  description = "Endpoints that need another application, by name."
  value = {
    certificates = "certificates"
    etcd         = "etcd"
  }
}
