"""The undertrained degrader: a reconstruction network that has seen too little, and what is made with it."""
