"""Every dialect spoken in the same few verbs, so that one test can ask all of them."""
