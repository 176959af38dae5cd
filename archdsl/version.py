"""The version, which every artefact names."""

VERSION = "0.1.0"
