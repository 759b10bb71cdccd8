"""What color, picture and measure stand on: convolution, halving and doubling; imports nothing of vidrts but errors."""
