# Two servers on Fargate behind a load balancer, PostgreSQL on RDS in two zones, artifacts in S3. The network is yours.
# The state has the secrets in it: keep it where it is encrypted, and where few can read it.
terraform {
  required_version = ">= 1.6"
  required_providers {
    aws    = { source = "hashicorp/aws", version = "~> 5.80" }
    random = { source = "hashicorp/random", version = "~> 3.6" }
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { application = var.name }
  }
}

data "aws_vpc" "this" {
  id = var.vpc_id
}

# Artifacts

resource "aws_s3_bucket" "artifacts" {
  bucket_prefix = "${var.name}-artifacts-"
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  bucket                  = aws_s3_bucket.artifacts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  versioning_configuration { status = "Enabled" }
}

# What the server removed can be had back for a month; uploads that were given up take no room.
resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  rule {
    id     = "removed"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration { noncurrent_days = 30 }
    abort_incomplete_multipart_upload { days_after_initiation = 2 }
  }
  depends_on = [aws_s3_bucket_versioning.artifacts]
}

# Secrets

resource "random_password" "database" {
  length  = 40
  special = false
}

resource "random_password" "redis" {
  count   = var.shared_limits ? 1 : 0
  length  = 64
  special = false
}

resource "random_password" "secret" {
  for_each = toset(["JWT_SECRET", "HOTPATCH_DEVICE_ID_SECRET", "HOTPATCH_SECRETS_KEY"])
  length   = 64
  special  = false
}

locals {
  secrets = merge(
    { for name, password in random_password.secret : name => password.result },
    {
      DATABASE_URL = "postgres://hotpatch:${random_password.database.result}@${aws_db_instance.this.endpoint}/hotpatch?sslmode=verify-full&sslrootcert=/data/database-authorities.pem"
    },
    {
      for endpoint in aws_elasticache_replication_group.this[*].primary_endpoint_address :
      "REDIS_URL" => "rediss://:${random_password.redis[0].result}@${endpoint}:6379"
    },
  )
}

resource "aws_secretsmanager_secret" "this" {
  for_each = toset(concat(
    ["JWT_SECRET", "HOTPATCH_DEVICE_ID_SECRET", "HOTPATCH_SECRETS_KEY", "DATABASE_URL"],
    var.shared_limits ? ["REDIS_URL"] : [],
  ))
  name_prefix = "${var.name}-${lower(replace(each.key, "_", "-"))}-"
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each      = aws_secretsmanager_secret.this
  secret_id     = each.value.id
  secret_string = local.secrets[each.key]
}

# Who reaches whom

resource "aws_security_group" "load_balancer" {
  name_prefix = "${var.name}-load-balancer-"
  vpc_id      = var.vpc_id
  ingress {
    from_port        = 443
    to_port          = 443
    protocol         = "tcp"
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }
  egress {
    from_port   = 8080
    to_port     = 8080
    protocol    = "tcp"
    cidr_blocks = [data.aws_vpc.this.cidr_block]
  }
}

resource "aws_security_group" "server" {
  name_prefix = "${var.name}-server-"
  vpc_id      = var.vpc_id
  ingress {
    from_port       = 8080
    to_port         = 8080
    protocol        = "tcp"
    security_groups = [aws_security_group.load_balancer.id]
  }
  # Webhooks, single sign-on and S3 are on the internet.
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "database" {
  name_prefix = "${var.name}-database-"
  vpc_id      = var.vpc_id
  ingress {
    from_port       = 5432
    to_port         = 5432
    protocol        = "tcp"
    security_groups = [aws_security_group.server.id]
  }
}

# Database

resource "aws_db_subnet_group" "this" {
  name_prefix = "${var.name}-"
  subnet_ids  = var.private_subnet_ids
}

resource "aws_db_instance" "this" {
  identifier_prefix         = "${var.name}-"
  engine                    = "postgres"
  engine_version            = "17"
  instance_class            = var.database_class
  allocated_storage         = 50
  max_allocated_storage     = 500
  storage_type              = "gp3"
  storage_encrypted         = true
  multi_az                  = true
  db_name                   = "hotpatch"
  username                  = "hotpatch"
  password                  = random_password.database.result
  db_subnet_group_name      = aws_db_subnet_group.this.name
  vpc_security_group_ids    = [aws_security_group.database.id]
  backup_retention_period   = 14
  copy_tags_to_snapshot     = true
  deletion_protection       = true
  final_snapshot_identifier = "${var.name}-last"
}

# Over which servers share their limits. Nothing is kept there: while the node is away, each has the whole limit.

resource "aws_security_group" "redis" {
  count       = var.shared_limits ? 1 : 0
  name_prefix = "${var.name}-redis-"
  vpc_id      = var.vpc_id
  ingress {
    from_port       = 6379
    to_port         = 6379
    protocol        = "tcp"
    security_groups = [aws_security_group.server.id]
  }
}

resource "aws_elasticache_subnet_group" "this" {
  count      = var.shared_limits ? 1 : 0
  name       = var.name
  subnet_ids = var.private_subnet_ids
}

resource "aws_elasticache_replication_group" "this" {
  count                      = var.shared_limits ? 1 : 0
  replication_group_id       = var.name
  description                = "Limits of ${var.name}"
  engine                     = "valkey"
  engine_version             = "8.0"
  node_type                  = "cache.t4g.micro"
  num_cache_clusters         = 1
  automatic_failover_enabled = false
  transit_encryption_enabled = true
  at_rest_encryption_enabled = true
  auth_token                 = random_password.redis[0].result
  subnet_group_name          = aws_elasticache_subnet_group.this[0].name
  security_group_ids         = [aws_security_group.redis[0].id]
}

# Servers

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.name}/server"
  retention_in_days = 30
}

data "aws_iam_policy_document" "tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

# What starts a task: takes the image and the secrets, writes the log.
resource "aws_iam_role" "start" {
  name_prefix        = "${var.name}-start-"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy_attachment" "start" {
  role       = aws_iam_role.start.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

data "aws_iam_policy_document" "start" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [for secret in aws_secretsmanager_secret.this : secret.arn]
  }
}

resource "aws_iam_role_policy" "start" {
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.start.json
}

# What the server itself may: its bucket, without a key that could be lost.
resource "aws_iam_role" "server" {
  name_prefix        = "${var.name}-server-"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

data "aws_iam_policy_document" "server" {
  statement {
    actions   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = [aws_s3_bucket.artifacts.arn]
  }
  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${aws_s3_bucket.artifacts.arn}/*"]
  }
}

resource "aws_iam_role_policy" "server" {
  role   = aws_iam_role.server.id
  policy = data.aws_iam_policy_document.server.json
}

resource "aws_ecs_cluster" "this" {
  name = var.name
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 1024
  memory                   = 2048
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.server.arn
  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.processor_architecture
  }
  # Uploads on their way to S3: what is kept is there and in the database.
  volume { name = "data" }
  container_definitions = jsonencode([{
    name                   = "server"
    image                  = var.image
    essential              = true
    readonlyRootFilesystem = true
    # Amazon's authorities for databases are known to nobody else: the server verifies its database by this file.
    entryPoint   = ["sh", "-c", "printf '%s' \"$RDS_AUTHORITIES\" > /data/database-authorities.pem && exec /app/hotpatch-server"]
    stopTimeout  = 60
    portMappings = [{ containerPort = 8080, protocol = "tcp" }]
    mountPoints  = [{ sourceVolume = "data", containerPath = "/data", readOnly = false }]
    environment = [
      { name = "RDS_AUTHORITIES", value = file(var.database_authorities) },
      { name = "HOTPATCH_PUBLIC_URL", value = "https://${var.domain}" },
      { name = "HOTPATCH_TRUST_PROXY", value = data.aws_vpc.this.cidr_block },
      { name = "HOTPATCH_STOP_SECONDS", value = "40" },
      { name = "S3_BUCKET", value = aws_s3_bucket.artifacts.bucket },
      { name = "AWS_REGION", value = var.region },
    ]
    secrets = [for name, secret in aws_secretsmanager_secret.this : { name = name, valueFrom = secret.arn }]
    healthCheck = {
      command     = ["CMD", "node", "/app/healthy.mjs"]
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 120
    }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = var.region
        awslogs-stream-prefix = "server"
      }
    }
  }])
}

resource "aws_ecs_service" "this" {
  name                               = var.name
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.this.arn
  desired_count                      = var.servers
  launch_type                        = "FARGATE"
  enable_execute_command             = false
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 120
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets         = var.private_subnet_ids
    security_groups = [aws_security_group.server.id]
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = "server"
    container_port   = 8080
  }
  depends_on = [aws_lb_listener.https, aws_secretsmanager_secret_version.this, aws_iam_role_policy.start]
}

# The way in

resource "aws_lb" "this" {
  name_prefix                = "hp-"
  load_balancer_type         = "application"
  subnets                    = var.public_subnet_ids
  security_groups            = [aws_security_group.load_balancer.id]
  drop_invalid_header_fields = true
  # The live stream says something every now and then, and uploads take their time.
  idle_timeout = 300
}

resource "aws_lb_target_group" "this" {
  name_prefix          = "hp-"
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = var.vpc_id
  deregistration_delay = 45
  # Checks go on while the database does not answer: /readyz would take every server away at once.
  health_check {
    path                = "/healthz"
    interval            = 10
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}
