"""Write the generated parts of docs/reference: `python -m docgen`."""

from docgen.pages import generated

for page, content in generated().items():
    page.write_text(content)
