-- The data key of a stored API key is held as long as it is named.
select kernel.protect_sealed_column('kernel.model_connections', 'api_key_ciphertext');
