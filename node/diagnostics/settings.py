"""Settings that were accepted -> a finding that names the node and what it publishes."""

from node.diagnostics.finding import Finding
from node.settings import Settings


def settings_finding(settings: Settings) -> Finding:
    """Name the node and what its events carry."""
    return Finding("settings", ok=True, text=f"node {settings.node.id}; publishes {', '.join(settings.publish.tasks)}")
