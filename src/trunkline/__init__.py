"""Trunkline: billing, charging, routing and provisioning for internet providers and telecom carriers."""

__version__ = "0.1.0"
