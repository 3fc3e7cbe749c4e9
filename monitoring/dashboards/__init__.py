"""The dashboards, described once and rendered for Grafana and for Perses."""
