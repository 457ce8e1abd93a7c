"""The first-party index policies: `declared` follows the profile, `none` leaves the store as it is."""
