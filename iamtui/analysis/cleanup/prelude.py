"""What every script of a plan begins and ends with: plain POSIX shell, no pipes, no eval, no globbing.

Names never reach it but as whole words of `--option='value'`; ids that AWS tells at run time are held against their alphabet first.
"""

from __future__ import annotations

BEGIN = r"""
set -euf
umask 077
AWS_PAGER= AWS_CLI_AUTO_PROMPT=off
export AWS_PAGER AWS_CLI_AUTO_PROMPT

usage() {
  printf '%s\n' "sh $0 [check|deactivate|remove|rollback] [--dry-run] [--now] [--used] [ITEM...]" >&2
  exit 2
}
phase=${1:-check}
case $phase in check | deactivate | remove | rollback) ;; *) usage ;; esac
[ $# -eq 0 ] || shift
dry='' early='' used_too='' chosen=''
for word in "$@"; do
  case $word in
    --dry-run) dry=yes ;;
    --now) early=yes ;;
    --used) used_too=yes ;;
    '' | *[!0-9]*) usage ;;
    *) chosen="$chosen $word" ;;
  esac
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
errors=$work/errors item=''

tell() { printf '%s\n' "$*"; }
stop() {
  printf 'stopped%s: %s\n' "${item:+ at $item}" "$*" >&2
  [ "$phase" = check ] || printf '%s\n' 'what stands after it was not touched; the same command goes on from there' >&2
  exit 1
}
failed() {
  cat "$errors" >&2
  stop "aws iam $1 was refused"
}
# A question: its answer in $answer. 1 where there is no such thing; anything else that goes wrong ends the script.
ask() {
  if answer=$(aws iam "$@" --output text 2>"$errors"); then
    if [ "$answer" = None ]; then answer=''; fi
    return 0
  fi
  answer=''
  if grep -q '(NoSuchEntity)' "$errors"; then return 1; fi
  failed "$1"
}
list() { ask "$@" || :; }
shown() { printf '  aws iam %.400s\n' "$*"; }
# A change that must succeed.
change() {
  shown "$@"
  if [ -n "$dry" ]; then return 0; fi
  aws iam "$@" >/dev/null 2>"$errors" || failed "$1"
}
# A removal: what is gone already is as good.
drop() {
  shown "$@"
  if [ -n "$dry" ] || aws iam "$@" >/dev/null 2>"$errors"; then return 0; fi
  grep -q '(NoSuchEntity)' "$errors" || failed "$1"
}
# Something new, once: what AWS calls it is kept in the file $1, told by the query $2.
born() {
  file=$1 query=$2
  shift 2
  if [ -s "$saved/$file" ]; then return 0; fi
  shown "$@"
  if [ -n "$dry" ]; then return 0; fi
  answer=$(aws iam "$@" --query "$query" --output text 2>"$errors") || failed "$1"
  printf '%s\n' "$answer" >"$saved/$file"
}
# Keeps what stands now in the file $1, before it goes. What was kept before stays.
save() {
  file=$1
  shift
  if [ -n "$dry" ] || [ -s "$saved/$file" ]; then return 0; fi
  if aws iam "$@" >"$work/out" 2>"$errors"; then
    mv "$work/out" "$saved/$file"
  else
    grep -q '(NoSuchEntity)' "$errors" || failed "$1"
  fi
}
# What was kept in the file $1; $2 where nothing was.
kept() { if [ -s "$saved/$1" ]; then cat "$saved/$1"; else printf '%s' "$2"; fi; }
note() { if [ -z "$dry" ]; then printf '%s\n' "$2" >>"$saved/$1"; fi; }
forget() {
  if [ -n "$dry" ]; then return 0; fi
  for file in "$@"; do rm -f "$saved/$file"; done
}
plain() { case $1 in '' | *[!A-Za-z0-9_]*) stop "AWS told an id that is none" ;; esac; }
# Whether the very one that was marked is there: $found is there, gone, or again (made by the roll-back of this plan).
state() {
  n=$1 id=$2
  shift 2
  if ! ask "$@"; then
    found=gone
  elif [ "$answer" = "$id" ]; then
    found=there
  elif [ -s "$saved/$n.id" ] && [ "$answer" = "$(cat "$saved/$n.id")" ]; then
    found=again
  else
    stop "this is another one of the same name ($answer, not $id): nobody has decided about it"
  fi
}
# 0 where a step is to be done on it.
stands() {
  case $found in
    there) return 0 ;;
    gone) tell '  gone already' ;;
    *) stop 'it was made again by the roll-back: make a new plan' ;;
  esac
  return 1
}
# Everything in $answer must be known to the plan.
only() {
  what=$1
  shift
  for one in $answer; do
    for known in "$@"; do if [ "$one" = "$known" ]; then continue 2; fi; done
    stop "the $what $one was not there when the plan was made: make the plan again"
  done
}
not_self() { case $self in "$1" | *":assumed-role/$2/"*) stop 'these are your own credentials: let somebody else do it' ;; esac; }
# Roles tell when they were last used; $1 is what they told then.
unused() {
  if [ -n "$used_too" ] || [ -z "$answer" ]; then return 0; fi
  case $answer in "$1"*) ;; *) stop "it was used since the plan was made, at $answer (--used goes on all the same)" ;; esac
}
waited() {
  if [ -n "$early" ] || [ -n "$dry" ]; then return 0; fi
  if [ ! -s "$saved/$1.off" ]; then stop 'it is not deactivated yet: run deactivate first, and wait (--now does not)'; fi
  since=$(head -n 1 "$saved/$1.off")
  plain "$since"
  days=$((($(date +%s) - since) / 86400))
  if [ "$days" -lt "$wait_days" ]; then stop "deactivated $days days ago: wait $wait_days, and look whether anything breaks (--now does not wait)"; fi
}
keys_off() {
  list list-access-keys "$2" --query "AccessKeyMetadata[?Status=='Active'].AccessKeyId"
  for one in $answer; do
    plain "$one"
    note "$1.keys" "$one"
    change update-access-key "$2" "--access-key-id=$one" --status=Inactive
  done
}
# The key $key, if it is active: one that was not must not become so by a roll-back.
key_off() {
  list list-access-keys "$2" --query "AccessKeyMetadata[?Status=='Active'].AccessKeyId"
  case " $(printf '%s ' $answer)" in
    *" $key "*)
      note "$1.keys" "$key"
      change update-access-key "$2" "--access-key-id=$key" --status=Inactive
      ;;
  esac
}
keys_on() {
  if [ ! -s "$saved/$1.keys" ]; then return 0; fi
  list list-access-keys "$2" --query 'AccessKeyMetadata[].AccessKeyId'
  there=" $(printf '%s ' $answer)"
  for one in $(cat "$saved/$1.keys"); do
    case $there in
      *" $one "*) change update-access-key "$2" "--access-key-id=$one" --status=Active ;;
      *) tell "  the access key $one is deleted and does not come back: make another" ;;
    esac
  done
  forget "$1.keys"
}
# A key known by the moment it was made alone.
key_made() {
  list list-access-keys "$1" --query "AccessKeyMetadata[?starts_with(CreateDate, '$2')].AccessKeyId"
  key=$answer
  case $key in *[!A-Za-z0-9_]*) stop "more than one key was made at $2" ;; esac
}
credentials() {
  drop delete-login-profile "$2"
  list list-access-keys "$2" --query 'AccessKeyMetadata[].AccessKeyId'
  for one in $answer; do
    plain "$one"
    drop delete-access-key "$2" "--access-key-id=$one"
  done
  list list-signing-certificates "$2" --query 'Certificates[].CertificateId'
  for one in $answer; do
    plain "$one"
    save "$1.certificate.$one" list-signing-certificates "$2" --query "Certificates[?CertificateId=='$one'].CertificateBody" --output text
    note "$1.certificates" "$one"
    drop delete-signing-certificate "$2" "--certificate-id=$one"
  done
  list list-ssh-public-keys "$2" --query 'SSHPublicKeys[].SSHPublicKeyId'
  for one in $answer; do
    plain "$one"
    save "$1.ssh.$one" get-ssh-public-key "$2" "--ssh-public-key-id=$one" --encoding=SSH --query SSHPublicKey.SSHPublicKeyBody --output text
    note "$1.sshs" "$one"
    drop delete-ssh-public-key "$2" "--ssh-public-key-id=$one"
  done
  list list-service-specific-credentials "$2" --query 'ServiceSpecificCredentials[].ServiceSpecificCredentialId'
  for one in $answer; do
    plain "$one"
    drop delete-service-specific-credential "$2" "--service-specific-credential-id=$one"
  done
  list list-mfa-devices "$2" --query 'MFADevices[].SerialNumber'
  for one in $answer; do
    drop deactivate-mfa-device "$2" "--serial-number=$one"
    case $one in arn:*:mfa/*) drop delete-virtual-mfa-device "--serial-number=$one" ;; esac
  done
}
uploads() {
  for one in $(kept "$1.sshs" ''); do
    if [ -s "$saved/$1.ssh.$one" ]; then change upload-ssh-public-key "$2" "--ssh-public-key-body=$(cat "$saved/$1.ssh.$one")"; fi
    forget "$1.ssh.$one"
  done
  for one in $(kept "$1.certificates" ''); do
    if [ -s "$saved/$1.certificate.$one" ]; then
      change upload-signing-certificate "$2" "--certificate-body=$(cat "$saved/$1.certificate.$one")"
    fi
    forget "$1.certificate.$one"
  done
  forget "$1.sshs" "$1.certificates"
}
# Tags as they were kept in the file $1, else $2; $3 is the operation.
tags() {
  held=$(kept "$1" "$2")
  case $held in '' | '[]' | null) return 0 ;; esac
  change "$3" "$4" "--tags=$held"
}
# A description is free text; what the AWS CLI would load as a file is left out.
describe() {
  held=$(kept "$1" "$2")
  case $held in '' | None | file:* | fileb:* | http:* | https:*) return 1 ;; esac
}
caller=$(aws sts get-caller-identity --query '[Account, Arn]' --output text) || stop 'who is asking could not be told'
self=${caller##*[[:space:]]}
case $caller in "$account"[[:space:]]*) ;; *) stop "the plan is for account $account, and these credentials are not of it" ;; esac
if [ -z "$dry" ] && [ "$phase" != check ]; then mkdir -p "$saved"; fi
"""

END = r"""
wanted() {
  if [ -z "$chosen" ]; then return 0; fi
  case " $chosen " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}
for one in $chosen; do case " $items " in *" $one "*) ;; *) stop "there is no item $one" ;; esac; done
if [ "$phase" = rollback ]; then
  for one in $backwards; do if wanted "$one"; then "rollback_$one"; fi; done
else
  # All of it is looked at before anything is changed.
  for one in $items; do if wanted "$one"; then "check_$one"; fi; done
  item=''
  if [ "$phase" = check ]; then
    tell 'checked: nothing speaks against it, nothing was changed'
  else
    for one in $items; do if wanted "$one"; then "${phase}_$one"; fi; done
  fi
fi
item=''
"""
