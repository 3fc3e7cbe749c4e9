{{- define "azlm.labels" -}}
app.kubernetes.io/name: azlm
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "azlm.selector" -}}
app.kubernetes.io/name: azlm
{{- end }}

{{- define "azlm.image" -}}
{{- $image := .Values.image }}
{{- required "image.repository is not set: the registry and name of the image, for example example.azurecr.io/azlm" $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}
