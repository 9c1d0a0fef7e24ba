import '../../web/main.ts'; // shared-is-pure

export const rules = [];
