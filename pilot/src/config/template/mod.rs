//! Go `text/template` as ContainerPilot v3 configurations use it (v3 spec section 2.4).
