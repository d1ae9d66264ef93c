#!/bin/sh
# Makes the vectors again, with openssl alone: ./make.sh, in this directory. Keys are thrown away.
set -eu
cd "$(dirname "$0")"
host=i-0123456789abcdef0
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
export OPENSSL_CONF=/dev/null

rsa() { openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:$1" -out "$keys/$2"; }
ec() { openssl genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:$1" -out "$keys/$2"; }
csr() { # csr FILE KEY SUBJECT [options]
  file=$1 key=$2 subject=$3
  shift 3
  openssl req -new -config "$keys/req.cnf" -key "$keys/$key" -subj "$subject" -sha256 "$@" -out "csr/$file.pem"
}

cat >"$keys/req.cnf" <<'CNF'
[req]
distinguished_name = none
[none]
[san]
subjectAltName = DNS:admin.example.com
[ca]
basicConstraints = critical,CA:TRUE
CNF

mkdir -p csr
rsa 2048 rsa2048; rsa 3072 rsa3072; rsa 4096 rsa4096; rsa 1024 rsa1024
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3 -out "$keys/rsa_e3"
ec P-256 p256; ec P-384 p384; ec P-521 p521; ec secp256k1 k256
openssl genpkey -quiet -algorithm ED25519 -out "$keys/ed25519"

csr good_RSA_2048 rsa2048 "/CN=$host"
csr good_RSA_3072 rsa3072 "/CN=$host"
csr good_RSA_4096 rsa4096 "/CN=$host" -sha512
csr good_EC_prime256v1 p256 "/CN=$host"
csr good_EC_secp384r1 p384 "/CN=$host" -sha384

csr key_RSA_1024 rsa1024 "/CN=$host"
csr key_RSA_2048_exponent_3 rsa_e3 "/CN=$host"
csr key_EC_secp521r1 p521 "/CN=$host"
csr key_EC_secp256k1 k256 "/CN=$host"
csr key_ED25519 ed25519 "/CN=$host"

csr hash_sha1 p256 "/CN=$host" -sha1
csr hash_md5 rsa2048 "/CN=$host" -md5

csr subject_other_host p256 "/CN=i-0fedcba9876543210"
csr subject_with_organisation p256 "/O=Admins/CN=$host"
csr subject_two_common_names p256 "/CN=$host/CN=i-0fedcba9876543210"
csr subject_multivalued p256 "/CN=$host+OU=Admins" -multivalue-rdn
csr subject_trailing_newline p256 "/CN=$host
"
csr subject_upper_case p256 "/CN=I-0123456789ABCDEF0"
openssl req -new -config "$keys/req.cnf" -key "$keys/p256" -subj / -sha256 -out csr/subject_empty.pem

csr extension_san p256 "/CN=$host" -reqexts san
csr extension_ca p256 "/CN=$host" -reqexts ca
printf '%s\n' '[req]' 'prompt = no' 'distinguished_name = dn' 'attributes = extra' '[dn]' "CN = $host" \
  '[extra]' 'challengePassword = not-a-secret' >"$keys/attributes.cnf"
openssl req -new -config "$keys/attributes.cnf" -key "$keys/p256" -sha256 \
  -out csr/attribute_challenge_password.pem
