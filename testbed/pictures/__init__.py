"""Pictures of the dashboards, by Perses's viewer in Chromium on what a real Prometheus scraped."""
