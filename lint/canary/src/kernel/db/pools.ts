export const pools = [];
