output "load_balancer" {
  description = "What the domain has to point at (CNAME or alias)"
  value       = aws_lb.this.dns_name
}

output "bucket" {
  description = "Where the artifacts are"
  value       = aws_s3_bucket.artifacts.bucket
}

output "log_group" {
  description = "Where the servers write what happens"
  value       = aws_cloudwatch_log_group.this.name
}
