"""The user's own data: tables, arrays in NPZ files, folders of images; read once, prepared in the cache from then on."""
