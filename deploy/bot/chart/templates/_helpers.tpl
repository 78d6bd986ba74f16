{{- define "pilothouse.metadata" -}}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "pilothouse.labels" . | nindent 2 }}
{{- end }}

{{- define "pilothouse.labels" -}}
{{ include "pilothouse.selector" . }}
app.kubernetes.io/part-of: pilothouse-platform
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "pilothouse.selector" -}}
app.kubernetes.io/name: {{ .Values.name }}
{{- end }}

{{- define "pilothouse.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end }}
{{- end }}
{{- end }}

{{/* What the chart decides; schema and order keep `settings` from deciding otherwise. */}}
{{- define "pilothouse.settings" -}}
{{- $fixed := dict
  "PILOTHOUSE_POLICY_FILE" "/etc/pilothouse/pilothouse.yaml"
  "PILOTHOUSE_SECRETS_DIR" "/run/secrets/pilothouse"
  "PILOTHOUSE_DATA_DIR" "/var/cache/pilothouse"
  "PILOTHOUSE_PORT" "8080"
  "PILOTHOUSE_KUBERNETES__NAMESPACE" .Values.pipelineNamespace -}}
{{- toYaml (mergeOverwrite (dict) .Values.settings $fixed) -}}
{{- end }}
