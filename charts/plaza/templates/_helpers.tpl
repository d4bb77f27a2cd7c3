{{/* The name of all of the operator's objects. */}}
{{- define "plaza.name" -}}plaza-operator{{- end }}

{{/* What the operator's pods are known by, also in the chats' NetworkPolicies. */}}
{{- define "plaza.labels" -}}
app.kubernetes.io/name: {{ include "plaza.name" . }}
{{- end }}

{{- define "plaza.image" -}}
{{ .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
