// SPDX-License-Identifier: GPL-2.0
/*
 * Rings of packet sockets. Included by checkpoint.c.
 *
 * The kernel may fill a ring while it is saved. What it fills after the first
 * look is not of the image: its amount stands behind the content, and restart
 * makes that empty. A ring that the kernel fills by blocks is begun in a new
 * block first, as it is when the time of a block is over.
 */

static struct packet_ring_buffer *ckpt_ring_of(struct packet_sock *po, bool tx)
{
	return tx ? &po->tx_ring : &po->rx_ring;
}

static bool ckpt_ring_blocks(const struct packet_sock *po, bool tx)
{
	return po->tp_version == TPACKET_V3 && !tx;
}

/* ---------------------------------------------------------- checkpoint */

/* The block that is being filled is given to the program. */
static void ckpt_ring_begin_block(struct packet_sock *po)
{
	struct tpacket_kbdq_core *pkc = GET_PBDQC_FROM_RB(&po->rx_ring);
	struct tpacket_block_desc *pbd = GET_CURR_PBLOCK_DESC_FROM_CORE(pkc);

	if (prb_queue_frozen(pkc) || !BLOCK_NUM_PKTS(pbd))
		return;
	/* those that are being copied into it */
	write_lock(&pkc->blk_fill_in_prog_lock);
	write_unlock(&pkc->blk_fill_in_prog_lock);
	prb_retire_current_block(pkc, po, TP_STATUS_BLK_TMO);
	prb_dispatch_next_block(pkc, po);
}

/*
 * The first look. Returns what a second one is compared to: packets received,
 * or the number of the next block.
 */
static u64 ckpt_ring_look(struct packet_sock *po, bool tx,
			  struct ckpt_hdr_packet_ring *h)
{
	struct packet_ring_buffer *rb = ckpt_ring_of(po, tx);
	struct sk_buff_head *queue = &po->sk.sk_receive_queue;
	struct tpacket_kbdq_core *pkc;
	u64 seen;

	h->block_size = rb->pg_vec_pages << PAGE_SHIFT;
	h->block_nr = rb->pg_vec_len;
	h->frame_size = rb->frame_size;
	h->frame_nr = rb->frame_max + 1;
	spin_lock_bh(&queue->lock);
	h->head = rb->head;
	seen = po->stats.stats1.tp_packets;
	if (ckpt_ring_blocks(po, tx)) {
		pkc = GET_PBDQC_FROM_RB(rb);
		ckpt_ring_begin_block(po);
		h->retire_ms = pkc->retire_blk_tov;
		h->priv = pkc->blk_sizeof_priv;
		h->features = pkc->feature_req_word;
		h->head = pkc->kactive_blk_num;
		h->frozen = prb_queue_frozen(pkc);
		h->freezes = po->stats.stats3.tp_freeze_q_cnt;
		h->seq = pkc->knxt_seq_num;
		seen = h->seq;
	}
	spin_unlock_bh(&queue->lock);
	return seen;
}

/* How many frames or blocks were filled since */
static u32 ckpt_ring_after(struct packet_sock *po, bool tx, u64 seen, u32 max)
{
	struct sk_buff_head *queue = &po->sk.sk_receive_queue;
	u64 nr;

	if (tx)
		return 0;
	spin_lock_bh(&queue->lock);
	if (ckpt_ring_blocks(po, tx))
		nr = GET_PBDQC_FROM_RB(&po->rx_ring)->knxt_seq_num - seen;
	else
		nr = po->stats.stats1.tp_packets - (u32)seen;
	spin_unlock_bh(&queue->lock);
	return min_t(u64, nr, max);
}

/* The number of bytes that were copied, which are not all zero, or 0 */
static u32 ckpt_ring_copy(struct packet_sock *po, bool tx, u32 block, u32 at,
			  const struct ckpt_hdr_packet_ring *h, u8 *to)
{
	struct packet_ring_buffer *rb = ckpt_ring_of(po, tx);
	u32 size = min_t(u32, h->block_size - at, CKPT_PACKET_BYTES_MAX);

	/* somebody who got the socket meanwhile could take the ring away */
	mutex_lock(&po->pg_vec_lock);
	if (rb->pg_vec && block < rb->pg_vec_len &&
	    rb->pg_vec_pages << PAGE_SHIFT == h->block_size)
		memcpy(to, rb->pg_vec[block].buffer + at, size);
	else
		size = 0;
	mutex_unlock(&po->pg_vec_lock);
	return size && memchr_inv(to, 0, size) ? size : 0;
}

static int ckpt_ring_write_bytes(struct ckpt_ctx *ctx, struct packet_sock *po,
				 bool tx, const struct ckpt_hdr_packet_ring *h,
				 struct ckpt_hdr_packet_bytes *b)
{
	u32 block, at;
	int err;

	for (block = 0; block < h->block_nr; block++) {
		for (at = 0; at < h->block_size; at += CKPT_PACKET_BYTES_MAX) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
			b->size = ckpt_ring_copy(po, tx, block, at, h, b->data);
			if (!b->size)
				continue;
			b->offset = (u64)block * h->block_size + at;
			err = ckpt_write_rec_tail(ctx, b, CKPT_HDR_PACKET_BYTES,
						  sizeof(*b), b->data, b->size);
			if (err)
				return err;
		}
	}
	return 0;
}

static int ckpt_ring_write(struct ckpt_ctx *ctx, struct packet_sock *po, bool tx)
{
	struct ckpt_hdr_packet_ring h = {};
	struct ckpt_hdr_packet_bytes *b;
	u64 seen;
	int err;

	b = kvzalloc(struct_size(b, data, CKPT_PACKET_BYTES_MAX),
		     GFP_KERNEL_ACCOUNT);
	if (!b)
		return -ENOMEM;
	mutex_lock(&po->pg_vec_lock);
	if (ckpt_ring_of(po, tx)->pg_vec) {
		seen = ckpt_ring_look(po, tx, &h);
		err = 0;
	} else {
		err = -EBUSY;
	}
	mutex_unlock(&po->pg_vec_lock);
	if (!err) {
		/* frames that were begun before have their packets then */
		synchronize_net();
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_PACKET_RING, sizeof(h));
	}
	if (!err)
		err = ckpt_ring_write_bytes(ctx, po, tx, &h, b);
	if (!err) {
		memset(b, 0, sizeof(*b));
		b->after = ckpt_ring_after(po, tx, seen,
					   ckpt_ring_blocks(po, tx) ?
					   h.block_nr : h.frame_nr);
		err = ckpt_write_rec(ctx, b, CKPT_HDR_PACKET_BYTES, sizeof(*b));
	}
	kvfree(b);
	return err;
}

/* ------------------------------------------------------------- restart */

/* With the checks of setsockopt() */
static int ckpt_ring_make(struct sock *sk, bool tx,
			  const struct ckpt_hdr_packet_ring *h)
{
	union tpacket_req_u req = {
		.req3 = {
			.tp_block_size = h->block_size,
			.tp_block_nr = h->block_nr,
			.tp_frame_size = h->frame_size,
			.tp_frame_nr = h->frame_nr,
			.tp_retire_blk_tov = h->retire_ms,
			.tp_sizeof_priv = h->priv,
			.tp_feature_req_word = h->features,
		},
	};
	int err;

	lock_sock(sk);
	err = packet_set_ring(sk, &req, 0, tx);
	release_sock(sk);
	return err;
}

/* Returns what was read, the last one with a size of 0, or an ERR_PTR(). */
static struct ckpt_hdr_packet_bytes *
ckpt_ring_read_bytes(struct ckpt_ctx *ctx, struct packet_ring_buffer *rb)
{
	struct ckpt_hdr_packet_bytes *b;
	u32 block_size = rb->pg_vec_pages << PAGE_SHIFT, at;
	u64 block;

	b = ckpt_read_rec(ctx, CKPT_HDR_PACKET_BYTES, sizeof(*b),
			  sizeof(*b) + CKPT_PACKET_BYTES_MAX);
	if (IS_ERR(b))
		return b;
	block = div_u64_rem(b->offset, block_size, &at);
	if (b->size > CKPT_PACKET_BYTES_MAX ||
	    b->h.len != round_up(struct_size(b, data, b->size), 8) ||
	    (b->size ? b->after || block >= rb->pg_vec_len ||
		       b->size > block_size - at : b->offset)) {
		kvfree(b);
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: packet socket: malformed ring"));
	}
	if (b->size)
		memcpy(rb->pg_vec[block].buffer + at, b->data, b->size);
	return b;
}

/* What was on its way is gone. */
static void ckpt_ring_sent(struct packet_sock *po, u32 nr)
{
	void *frame;
	u32 i;

	for (i = 0; i < nr; i++) {
		frame = packet_lookup_frame(po, &po->tx_ring, i,
					    TP_STATUS_SENDING);
		if (frame)
			__packet_set_status(po, frame, TP_STATUS_AVAILABLE);
	}
}

static void ckpt_ring_empty(struct packet_sock *po, u32 head, u32 nr, u32 after)
{
	struct packet_ring_buffer *rb = &po->rx_ring;
	u32 at, i;
	char *block;

	for (i = 0; i < after; i++) {
		at = (head + i) % nr;
		block = rb->pg_vec[at / rb->frames_per_block].buffer;
		at %= rb->frames_per_block;
		__packet_set_status(po, block + at * rb->frame_size,
				    TP_STATUS_KERNEL);
	}
}

/* The timer does not run. */
static void ckpt_ring_set_blocks(struct packet_sock *po,
				 const struct ckpt_hdr_packet_ring *h,
				 u32 after)
{
	struct tpacket_kbdq_core *pkc = GET_PBDQC_FROM_RB(&po->rx_ring);
	struct tpacket_block_desc *pbd;
	u32 i;

	for (i = 0; i < after; i++) {
		pbd = GET_PBLOCK_DESC(pkc, (h->head + 1 + i) % h->block_nr);
		BLOCK_STATUS(pbd) = TP_STATUS_KERNEL;
	}
	spin_lock_bh(&po->sk.sk_receive_queue.lock);
	pkc->delete_blk_timer = 0;
	pkc->retire_blk_tov = h->retire_ms;
	pkc->tov_in_jiffies = msecs_to_jiffies(h->retire_ms);
	pkc->kactive_blk_num = h->head;
	po->stats.stats3.tp_freeze_q_cnt = h->freezes;
	if (h->frozen) {
		pkc->knxt_seq_num = h->seq;
		pkc->reset_pending_on_curr_blk = 1;
		_prb_refresh_rx_retire_blk_timer(pkc);
	} else {
		pkc->knxt_seq_num = h->seq - 1;
		pbd = GET_CURR_PBLOCK_DESC_FROM_CORE(pkc);
		BLOCK_STATUS(pbd) = TP_STATUS_KERNEL;
		prb_open_block(pkc, pbd);
	}
	spin_unlock_bh(&po->sk.sk_receive_queue.lock);
}

static bool ckpt_ring_valid(const struct packet_sock *po, bool tx,
			    const struct ckpt_hdr_packet_ring *h)
{
	bool blocks = ckpt_ring_blocks(po, tx);

	if (!h->block_nr || h->frozen > 1 || h->freezes > INT_MAX)
		return false;
	if (!blocks)
		return !h->retire_ms && !h->priv && !h->features &&
		       !h->frozen && !h->freezes && !h->seq &&
		       h->head < h->frame_nr;
	/* its number is not longer in the kernel either */
	return h->retire_ms <= U16_MAX && h->seq && h->head < h->block_nr &&
	       h->head <= U16_MAX;
}

static int ckpt_ring_fill(struct ckpt_ctx *ctx, struct packet_sock *po, bool tx,
			  const struct ckpt_hdr_packet_ring *h)
{
	struct packet_ring_buffer *rb = ckpt_ring_of(po, tx);
	bool blocks = ckpt_ring_blocks(po, tx);
	struct ckpt_hdr_packet_bytes *b;
	u32 after, size;

	if (blocks)
		prb_shutdown_retire_blk_timer(po, &po->sk.sk_receive_queue);
	do {
		b = ckpt_ring_read_bytes(ctx, rb);
		if (IS_ERR(b))
			return PTR_ERR(b);
		size = b->size;
		after = b->after;
		kvfree(b);
		cond_resched();
	} while (size);
	if (after > (blocks ? h->block_nr : h->frame_nr) || (tx && after) ||
	    (h->frozen && after))
		return ckpt_err(ctx, -EINVAL, "image: packet socket: a ring with %u that were filled later",
				after);
	if (blocks)
		ckpt_ring_set_blocks(po, h, after);
	else if (!tx)
		ckpt_ring_empty(po, h->head, h->frame_nr, after);
	else
		ckpt_ring_sent(po, h->frame_nr);
	if (!blocks)
		rb->head = h->head;
	return 0;
}

static int ckpt_ring_restore(struct ckpt_ctx *ctx, struct sock *sk, bool tx)
{
	struct packet_sock *po = pkt_sk(sk);
	struct ckpt_hdr_packet_ring h;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_PACKET_RING, sizeof(h));
	if (err)
		return err;
	if (!ckpt_ring_valid(po, tx, &h))
		return ckpt_err(ctx, -EINVAL, "image: packet socket: malformed ring of %u blocks",
				h.block_nr);
	err = ckpt_ring_make(sk, tx, &h);
	if (err)
		return ckpt_err(ctx, err, "packet socket: a ring of %u blocks of %u bytes cannot be had: error %d",
				h.block_nr, h.block_size, err);
	return ckpt_ring_fill(ctx, po, tx, &h);
}

/**
 * ckpt_ring_mapped - is a mapping that of the rings of a packet socket?
 * @vma: the mapping
 *
 * Context: the mmap lock is held.
 * Return: whether it is.
 */
bool ckpt_ring_mapped(struct vm_area_struct *vma)
{
	return vma->vm_ops == &packet_mmap_ops;
}

/**
 * ckpt_ring_refused - why a mapping of rings cannot be saved
 * @vma: the mapping, for which ckpt_ring_mapped() is true
 *
 * Context: the mmap lock is held.
 * Return: text, or NULL.
 */
const char *ckpt_ring_refused(struct vm_area_struct *vma)
{
	struct socket *sock = vma->vm_file->private_data;
	unsigned long size = 0;
	struct packet_sock *po;
	bool tx;

	if (!(vma->vm_flags & VM_SHARED))
		return "private mapping of a packet ring";
	if (!sock->sk)
		return "packet ring of a socket that is closed";
	po = pkt_sk(sock->sk);
	for (tx = false; ; tx = true) {
		if (READ_ONCE(ckpt_ring_of(po, tx)->pg_vec))
			size += (unsigned long)ckpt_ring_of(po, tx)->pg_vec_len *
				ckpt_ring_of(po, tx)->pg_vec_pages * PAGE_SIZE;
		if (tx)
			break;
	}
	return vma->vm_pgoff || vma->vm_end - vma->vm_start != size ?
	       "part of a packet ring" : NULL;
}
