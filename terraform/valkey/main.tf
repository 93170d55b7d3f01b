resource "juju_application" "valkey" {
  config             = var.config
  constraints        = var.constraints
  endpoint_bindings  = var.endpoint_bindings
  machines           = var.machines
  model_uuid         = var.model_uuid
  name               = var.app_name
  resources          = var.resources
  storage_directives = var.storage_directives

  # The machines say how many units there are.
  units = var.machines == null ? var.units : null

  charm {
    base     = var.base
    channel  = var.channel
    name     = "valkey"
    revision = var.revision
  }

  dynamic "expose" {
    for_each = var.expose == null ? [] : [var.expose]
    content {
      cidrs     = expose.value.cidrs
      endpoints = expose.value.endpoints
      spaces    = expose.value.spaces
    }
  }
}
