"""The faces of recent visits, for an owner who says who they are."""
