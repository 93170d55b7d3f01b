resource "juju_application" "etcd_client_example" {
  config            = var.config
  constraints       = var.constraints
  endpoint_bindings = var.endpoint_bindings
  machines          = var.machines
  model_uuid        = var.model_uuid
  name              = var.app_name

  # The machines say how many units there are.
  units = var.machines == null ? var.units : null

  charm {
    base     = var.base
    channel  = var.channel
    name     = "etcd-client-example"
    revision = var.revision
  }
}
