"""The first-party caches: `dogpile` keeps what was used last, `none` keeps nothing."""
