output "app_name" {
  description = "Name of the application."
  value       = juju_application.valkey.name
}

output "application" {
  description = "The whole application."
  value       = juju_application.valkey
}

output "provides" {
  description = "Endpoints that other applications can be related to, by name."
  value = {
    valkey_client = "valkey-client"
  }
}

output "requires" {
  description = "Endpoints that need another application, by name: there are none."
  value       = {}
}
