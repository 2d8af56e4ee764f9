output "cloud_init" {
  description = "With what the machine begins: its user data"
  value       = "#cloud-config\n${yamlencode(local.cloud_init)}"
  sensitive   = true
}

output "bucket" {
  description = "Where the artifacts are"
  value       = cloudflare_r2_bucket.artifacts.name
}
