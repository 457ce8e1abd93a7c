"""What each trick of the bulk path is worth: loads as they are, by turns with loads that do without one of them."""
