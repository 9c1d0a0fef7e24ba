-- The data key of the private key is held as long as it is named, and a renewal of data keys may seal it anew.
select kernel.protect_sealed_column('kernel.vapid_keys', 'private_key_ciphertext');
grant update (private_key_ciphertext) on kernel.vapid_keys to bulkhead_system;
