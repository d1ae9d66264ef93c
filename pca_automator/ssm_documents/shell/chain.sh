# What was sent, read: the certificate, and the chain, in which every public key has to be one that was sealed into this
# document. Who sends it cannot bring a CA of their own.

# decode_certificate: into $aside, where it is nobody's yet
decode_certificate() {
  step='decoding certificate and chain'
  must CHAIN_INVALID 'the certificate cannot be read' decode "$SSM_certificate" "$aside/tls.crt"
  read_pins
  read_chain
  read_certificate "$aside/tls.crt" || fail CHAIN_INVALID "the certificate cannot be read: $words"
  new=$serial
  new_not_before=$not_before
  new_not_after=$not_after
  new_common_name=$common_name
  new_half=$half
}

# decode DER-IN-BASE64 FILE: as PEM. openssl reads lines of 64 characters in every version; one long line it may take as
# empty. x509 writes the certificate and nothing else: no comments, no further blocks.
decode() {
  {
    echo '-----BEGIN CERTIFICATE-----'
    printf '%s\n' "$1" | fold -w 64
    echo '-----END CERTIFICATE-----'
  } >"$aside/received" && openssl x509 -in "$aside/received" -out "$2" || return 1
  [ -s "$2" ] || { echo 'nothing came of it' && return 1; }
}

# read_chain: ca.crt holds the certificates of the chain and nothing else; intermediates.pem those that are not
# self-issued, because IAM Roles Anywhere has the root as its trust anchor and asks only for what lies between.
read_chain() {
  must CHAIN_INVALID 'the chain cannot be kept' start_chain
  chain_rest=$SSM_chain.
  link_number=0
  while [ -n "$chain_rest" ]; do
    link_number=$((link_number + 1))
    link=$aside/link-$link_number
    must CHAIN_INVALID 'the chain cannot be read' decode "${chain_rest%%.*}" "$link"
    chain_rest=${chain_rest#*.}
    value openssl x509 -in "$link" -noout -subject -issuer || fail CHAIN_INVALID "the chain cannot be read: $words"
    link_names=$value
    is_pinned
    must CHAIN_INVALID 'a certificate of the chain is not what it says' \
      add_link "${link_names%%"$nl"*}" "${link_names#*"$nl"}"
  done
  [ -z "$pins" ] || [ ! -s "$aside/intermediates.pem" ] || must CHAIN_INVALID \
    'a certificate of the chain is not what it says' signed "$aside/ca.crt" "$aside"/link-*
}

start_chain() {
  : >"$aside/ca.crt" && : >"$aside/intermediates.pem"
}

# add_link SUBJECT ISSUER
add_link() {
  cat "$link" >>"$aside/ca.crt" || return 1
  if [ "${1#subject=}" != "${2#issuer=}" ]; then
    cat "$link" >>"$aside/intermediates.pem"
  elif [ -n "$pins" ]; then
    signed "$link" "$link" && rm -f "$link"
  fi
}

# signed BY FILE…: each by one of BY, or by itself, however old it is: what has a pinned key is of who has the key
signed() {
  signed_by=$1
  shift
  openssl verify -check_ss_sig -no_check_time -CAfile "$signed_by" "$@"
}

# read_pins: sets $pins to the SHA-256 of the public keys that are sealed in. Nothing sealed: every CA is taken.
read_pins() {
  pins=$SEALED_caKeys
  pin_rest=$SEALED_caCertificates
  while [ -n "$pin_rest" ]; do
    printf '%s\n' "${pin_rest%%-----END*}-----END CERTIFICATE-----" >"$aside/pin"
    key_digest "$aside/pin" || fail BAD_PARAMETER 'the sealed caCertificates cannot be read: deploy again'
    pins="$pins $digest"
    pin_rest=${pin_rest#*-----END CERTIFICATE-----}
    # what is left may be the end of the line
    case $pin_rest in
      *-----BEGIN*) ;;
      *) pin_rest= ;;
    esac
  done
}

# key_digest FILE: sets $digest to the SHA-256 of a certificate's public key, as SubjectPublicKeyInfo
key_digest() {
  value openssl x509 -in "$1" -noout -pubkey && printf '%s\n' "$value" >"$aside/key.pem" &&
    value openssl pkey -pubin -in "$aside/key.pem" -outform DER -out "$aside/key.der" && [ -s "$aside/key.der" ] &&
    value openssl dgst -sha256 -r "$aside/key.der" || return 1
  digest=${value%% *}
  is_hex "$digest" && [ "${#digest}" -eq 64 ]
}

is_pinned() {
  [ -n "$pins" ] || return 0
  key_digest "$link" || fail CHAIN_INVALID 'the public key of a certificate of the chain cannot be read'
  case " $pins " in
    *" $digest "*) ;;
    *)
      fail CHAIN_NOT_PINNED \
        "the chain has the key of a CA that this deployment does not name (SHA-256 $digest, ${link_names%%"$nl"*})"
      ;;
  esac
}
