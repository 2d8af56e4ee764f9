{{- define "hotpatch.name" -}}
{{- if contains "hotpatch" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-hotpatch{{ end }}
{{- end }}

{{- define "hotpatch.selector" -}}
app.kubernetes.io/name: hotpatch
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hotpatch.labels" -}}
{{ include "hotpatch.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "hotpatch.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* As the image's user, which needs nothing. */}}
{{- define "hotpatch.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "hotpatch.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Secrets are files: an environment is seen by whoever may describe a pod's processes. */}}
{{- define "hotpatch.env" -}}
- { name: DATABASE_URL_FILE, value: /secrets/database-url }
- { name: JWT_SECRET_FILE, value: /secrets/jwt-secret }
- { name: HOTPATCH_DEVICE_ID_SECRET_FILE, value: /secrets/device-id-secret }
- { name: HOTPATCH_SECRETS_KEY_FILE, value: /secrets/secrets-key }
{{- if .Values.redis.enabled }}
- { name: REDIS_URL_FILE, value: /secrets/redis-url }
{{- end }}
- { name: HOTPATCH_PUBLIC_URL, value: {{ .Values.publicUrl | quote }} }
{{- with .Values.trustProxy }}
- { name: HOTPATCH_TRUST_PROXY, value: {{ . | quote }} }
{{- end }}
{{- range $name, $value := .Values.env }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end }}

{{- define "hotpatch.secretsVolume" -}}
- name: secrets
  secret: { secretName: {{ .Values.existingSecret | quote }}, defaultMode: 288 }
{{- end }}
