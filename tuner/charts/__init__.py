"""Charts as frozen values, drawn as SVG: for reports, the dashboard and learning curves alike."""
