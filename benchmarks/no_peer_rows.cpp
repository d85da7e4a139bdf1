// Built without libtorch: no peer rows.
void register_peer_rows() {}
