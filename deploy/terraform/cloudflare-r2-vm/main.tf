# One machine of any provider with the server and SQLite, its artifacts in R2. This makes the bucket and the name, and says
# with what the machine is to begin: the output cloud_init, which every provider takes as "user data".
terraform {
  required_version = ">= 1.6"
  required_providers {
    cloudflare = { source = "cloudflare/cloudflare", version = "~> 5.0" }
  }
}

# Its token is in CLOUDFLARE_API_TOKEN.
provider "cloudflare" {}

resource "cloudflare_r2_bucket" "artifacts" {
  account_id = var.account_id
  name       = var.bucket
  location   = var.bucket_location
}

# Not through Cloudflare's proxy, which lets no upload of more than 100 MB through: devices take the bytes from R2 anyway.
resource "cloudflare_dns_record" "server" {
  zone_id = var.zone_id
  name    = var.domain
  type    = "A"
  content = var.machine_address
  ttl     = 300
  proxied = false
}

locals {
  # Without a name, which the docker-compose of Debian 12 and Ubuntu 24.04 does not know: its folder's is taken.
  compose = {
    services = {
      server = {
        image             = var.image
        init              = true
        restart           = "unless-stopped"
        read_only         = true
        cap_drop          = ["ALL"]
        security_opt      = ["no-new-privileges:true"]
        stop_grace_period = "30s"
        env_file          = ["/etc/hotpatch/server.env"]
        volumes           = ["data:/data"]
      }
      caddy = {
        image   = "caddy:2.10"
        restart = "unless-stopped"
        command = ["caddy", "reverse-proxy", "--from", var.domain, "--to", "server:8080"]
        ports   = ["80:80", "443:443", "443:443/udp"]
        volumes = ["certificates:/data"]
      }
    }
    networks = { default = { ipam = { config = [{ subnet = "172.30.80.0/28" }] } } }
    volumes  = { data = {}, certificates = {} }
  }
  server = {
    HOTPATCH_PUBLIC_URL   = "https://${var.domain}"
    HOTPATCH_TRUST_PROXY  = "172.30.80.0/28"
    HOTPATCH_STOP_SECONDS = "20"
    S3_BUCKET             = cloudflare_r2_bucket.artifacts.name
    S3_ENDPOINT           = "https://${var.account_id}.r2.cloudflarestorage.com"
    AWS_REGION            = "auto"
    AWS_ACCESS_KEY_ID     = var.access_key_id
    AWS_SECRET_ACCESS_KEY = var.secret_access_key
  }
  cloud_init = {
    package_update = true
    packages       = ["docker.io", "docker-compose", "unattended-upgrades"]
    write_files = [
      {
        path        = "/etc/hotpatch/server.env"
        permissions = "0600"
        content     = join("\n", [for name, value in local.server : "${name}=${value}"])
      },
      { path = "/etc/hotpatch/compose.yaml", permissions = "0644", content = yamlencode(local.compose) },
    ]
    runcmd = [["docker-compose", "-f", "/etc/hotpatch/compose.yaml", "up", "--detach"]]
  }
}
