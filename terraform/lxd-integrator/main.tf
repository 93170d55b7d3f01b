resource "juju_application" "lxd_integrator" {
  config            = var.config
  constraints       = var.constraints
  endpoint_bindings = var.endpoint_bindings
  machines          = var.machines
  model_uuid        = var.model_uuid
  name              = var.app_name
  trust             = var.trust

  # The machines say how many units there are.
  units = var.machines == null ? var.units : null

  charm {
    base     = var.base
    channel  = var.channel
    name     = "lxd-integrator"
    revision = var.revision
  }
}
