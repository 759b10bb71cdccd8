"""Operations that color, picture and measure share: convolution and resampling; imports only errors of vidrts."""
