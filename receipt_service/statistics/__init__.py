"""Statistics: committed stubs are rolled up, closed periods are protected and released, questions are answered."""
