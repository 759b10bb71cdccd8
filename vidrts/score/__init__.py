"""Pictures and videos measured, alone or against their source."""
