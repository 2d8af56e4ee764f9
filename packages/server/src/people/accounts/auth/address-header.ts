/** Where only this process puts the address of who asks; a client cannot, as no header of his is passed on. */
export const ADDRESS_HEADER = 'x-hotpatch-address'
