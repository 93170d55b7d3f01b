output "app_name" {
  description = "Name of the application."
  value       = juju_application.lxd_integrator.name
}

output "application" {
  description = "The whole application."
  value       = juju_application.lxd_integrator
}

output "provides" {
  description = "Endpoints that other applications can be related to, by name."
  value = {
    api = "api"
  }
}

output "requires" {
  description = "Endpoints that need another application, by name: there are none."
  value       = {}
}
