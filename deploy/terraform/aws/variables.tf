variable "region" {
  description = "Where all of it is, such as eu-central-1"
  type        = string
}

variable "name" {
  description = "What everything here is named after"
  type        = string
  default     = "hotpatch"
}

variable "domain" {
  description = "What devices ask, such as updates.example.com; point it at the output load_balancer"
  type        = string
}

variable "certificate_arn" {
  description = "The certificate of the domain, of ACM in this region"
  type        = string
}

variable "image" {
  description = "The server's image with its tag, in a registry that the tasks reach"
  type        = string
}

variable "vpc_id" {
  description = "The network"
  type        = string
}

variable "public_subnet_ids" {
  description = "Two or more, in different zones, for the load balancer"
  type        = list(string)
}

variable "private_subnet_ids" {
  description = "Two or more, in different zones, with a way to the internet (NAT), for servers and database"
  type        = list(string)
}

variable "servers" {
  description = "How many servers run"
  type        = number
  default     = 2
}

variable "shared_limits" {
  description = "Whether servers share their limits, over a node of Valkey"
  type        = bool
  default     = false
}

variable "database_authorities" {
  description = "A file with the certificates of Amazon's authorities for databases in this region, by which servers verify theirs"
  type        = string
}

variable "database_class" {
  description = "The size of the database"
  type        = string
  default     = "db.t4g.medium"
}

variable "processor_architecture" {
  description = "ARM64 or X86_64, as the image is"
  type        = string
  default     = "ARM64"
  validation {
    condition     = contains(["ARM64", "X86_64"], var.processor_architecture)
    error_message = "Expected ARM64 or X86_64."
  }
}
