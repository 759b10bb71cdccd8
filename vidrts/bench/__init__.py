"""What the machine gives: speeds measured in the same run as the limit that they are held against."""
