variable "app_name" {
  description = "Name of the application in the model."
  type        = string
  default     = "valkey"
  nullable    = false
}

variable "base" {
  description = "Base of the machines."
  type        = string
  default     = "ubuntu@24.04"
  nullable    = false
}

variable "channel" {
  description = "Channel of the charm."
  type        = string
  default     = "latest/stable"
  nullable    = false
}

variable "config" {
  description = "Options of the charm. Numbers and booleans are given as strings."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "constraints" {
  description = "Constraints of the machines, for example `arch=arm64 mem=4G`."
  type        = string
  default     = "arch=amd64"
  nullable    = false
}

variable "endpoint_bindings" {
  description = "Spaces that the endpoints are bound to. Without `endpoint`, the space is the default of all endpoints."
  type = set(object({
    endpoint = optional(string)
    space    = string
  }))
  default = null
}

variable "expose" {
  description = "Exposes the application to clients outside of the model: `{}` to all of them, or limited by lists separated by commas."
  type = object({
    cidrs     = optional(string)
    endpoints = optional(string)
    spaces    = optional(string)
  })
  default = null
}

variable "machines" {
  description = "IDs of the machines to deploy to, one unit on each. Replaces `units`."
  type        = set(string)
  default     = null

  validation {
    condition     = var.machines == null ? true : length(var.machines) > 0
    error_message = "Name at least one machine, or leave machines unset."
  }
}

variable "model_uuid" {
  description = "UUID of the model to deploy to."
  type        = string
  nullable    = false
}

variable "resources" {
  description = "Revisions of the charm's resources on Charmhub, for example `{ valkey = \"2\" }`. By default Valkey is that of the distribution."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "revision" {
  description = "Revision of the charm; the newest of the channel if unset."
  type        = number
  default     = null
}

variable "storage_directives" {
  description = "Storage, as `pool,count,size` in any sensible subset, for example `{ data = \"ebs,100G\" }`."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "units" {
  description = "Number of units. Three survive the loss of one."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.units >= 0 && floor(var.units) == var.units
    error_message = "The number of units is a whole number, 0 or more."
  }
}
