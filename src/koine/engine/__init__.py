"""Floor 4: the verbs. One public function is one transaction."""
