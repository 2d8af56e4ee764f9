variable "account_id" {
  description = "The account of Cloudflare"
  type        = string
}

variable "zone_id" {
  description = "The zone of the domain"
  type        = string
}

variable "domain" {
  description = "What devices ask, such as updates.example.com"
  type        = string
}

variable "machine_address" {
  description = "The IPv4 address of the machine, of whichever provider"
  type        = string
}

variable "bucket" {
  description = "The name of the bucket"
  type        = string
  default     = "hotpatch-artifacts"
}

variable "bucket_location" {
  description = "Where the bytes are: weur, eeur, apac, wnam, enam or oc"
  type        = string
  default     = "weur"
}

variable "image" {
  description = "The server's image with its tag, in a registry that the machine reaches"
  type        = string
}

variable "access_key_id" {
  description = "Of an R2 token that may read and write objects of this bucket alone"
  type        = string
}

variable "secret_access_key" {
  description = "The secret of that token"
  type        = string
  sensitive   = true
}
