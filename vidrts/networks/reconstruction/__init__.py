"""Networks that are trained to rebuild their input: trained too little, they damage it as real material is."""
