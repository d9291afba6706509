"""What every other part may import; imports none of them."""
