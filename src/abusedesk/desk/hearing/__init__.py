"""How customers are heard by mail: their answers, the bounces of our notices, and the clock that waits for both."""
